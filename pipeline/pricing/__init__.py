"""Turn model ids, days and token counts into US dollars; pure, for whoever prices calls."""
