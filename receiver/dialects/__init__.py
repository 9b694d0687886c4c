"""Say what each agent calls things."""
