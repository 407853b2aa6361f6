"""Effects that others have written against `visavis.effects`: found, checked, tried, and drawn without trust."""
