"""The engines: one folder each, none knows another; `app.engines` alone names one."""
