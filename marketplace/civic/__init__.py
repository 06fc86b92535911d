"""Who is who and where: the features every wing stands on."""
