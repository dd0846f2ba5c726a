"""Opening hours: the week, single dates and time off of a provider, with a preview before anything is saved."""
