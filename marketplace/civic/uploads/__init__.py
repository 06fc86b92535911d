"""Pictures, recordings and documents: checked, made anew without what they tell of their makers, kept."""
