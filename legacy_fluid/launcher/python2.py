"""Tells code that was written for Python 2, and what makes Python 3 of it."""

from __future__ import annotations

import re

_SYNTAX = re.compile(  # what Python 3 says of it, or how its line looks
    r"Missing parentheses in call|be parenthesized|leading zeros in decimal|invalid decimal literal"
    r"|^\s*(print|exec)\s+[^(=\s]|^\s*raise\s+[\w.]+\s*,|`|<>|\bur['\"]"
)
_MODULES = {
    *("BaseHTTPServer", "ConfigParser", "HTMLParser", "Queue", "SocketServer", "StringIO", "Tkinter"),
    *("__builtin__", "cPickle", "cStringIO", "commands", "copy_reg", "cookielib", "httplib", "thread"),
    *("urllib2", "urlparse", "xmlrpclib"),
}
_NAMES = {"basestring", "execfile", "file", "long", "raw_input", "reduce", "reload", "unichr", "unicode", "xrange"}
_METHODS = {
    "dict": {"has_key", "iteritems", "iterkeys", "itervalues", "viewitems", "viewkeys", "viewvalues"},
    "generator": {"next"},
    "str": {"decode"},
}


def converting(script: object) -> str:
    """Return what to do with a script that is Python 2."""
    return f"it is Python 2; convert it with 2to3: `python -m lib2to3 -w {script}`"


def is_syntax(error: SyntaxError) -> bool:
    """Say whether code that cannot be read is Python 2."""
    return bool(_SYNTAX.search(error.msg) or _SYNTAX.search(error.text or ""))


def is_told_by(error: BaseException) -> bool:
    """Say whether an error is one that code for Python 2 meets on Python 3."""
    match error:
        case SyntaxError():
            return not isinstance(error, TabError) and is_syntax(error)
        case ModuleNotFoundError(name=name):
            return name in _MODULES
        case NameError(name=name):
            return name in _NAMES
        case AttributeError(name=name, obj=holder):
            return name in _METHODS.get(type(holder).__name__, ())
    return False
