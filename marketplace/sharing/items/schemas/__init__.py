"""What residents and programs send about things and loans. Shapes only; rules are the services."""
