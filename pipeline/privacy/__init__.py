"""Turn texts into texts that may be kept; pure, for whoever stores or shows them."""
