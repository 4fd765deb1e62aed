"""`fluid.default_scope_funcs`: variables of the scope that a thread is in, by name."""

from paddle.base.default_scope_funcs import (
    enter_local_scope,
    find_var,
    get_cur_scope,
    leave_local_scope,
    scoped_function,
    var,
)

__all__ = ["enter_local_scope", "find_var", "get_cur_scope", "leave_local_scope", "scoped_function", "var"]
