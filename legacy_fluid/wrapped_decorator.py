"""`fluid.wrapped_decorator`: decorators that keep a function's signature."""

from paddle.base.wrapped_decorator import signature_safe_contextmanager, wrap_decorator

__all__ = ["signature_safe_contextmanager", "wrap_decorator"]
