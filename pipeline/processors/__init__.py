"""Offer the processors that come with agentpond."""
