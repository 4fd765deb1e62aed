"""Image files on their way to a model: found, read by processes of their own, and made gray, light on dark and centred.

files -> readers -> process -> plain_png, or else gray -> ink
"""
