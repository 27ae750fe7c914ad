"""Insights as one HTML file that can be handed on: no script, nothing from elsewhere; light, dark, and on paper.

`page.render(insights)` makes the text, `file.write(path, text)` puts it in its place.
"""
