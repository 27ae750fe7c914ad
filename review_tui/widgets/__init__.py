"""Widgets: each draws one thing and posts messages; none of them decides or stores anything."""
