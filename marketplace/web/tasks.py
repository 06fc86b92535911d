"""What the ground clears away by itself."""

from datetime import timedelta

from marketplace.kernel import jobs
from marketplace.web import once

jobs.timed("once.sweep", every=timedelta(hours=1))(once.sweep)
