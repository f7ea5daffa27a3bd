"""Kernels: functions over numbers and bytes that numba compiles.

All kernels together take a minute to compile, and a process calls few of them; so each is compiled
when it is first called, by Python or by another kernel that is being compiled, and the machine code
is kept beside the source for the next process.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(signature: Any, *, inlined: bool = False) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function for one signature, at its first call.

    Other arguments than those of the signature are converted to them or are a TypeError, as they
    are by `numba.njit(signature)`, which compiles at once. The kernel runs without Python's lock.

    Args:
        signature: numba's, of types or as a string.
        inlined: for a small one that others call in their loops: it becomes part of them and does
            not count who refers to its arrays, which takes longer than most of them do. So it may
            make no array.
    """

    def decorate(function: Function) -> Function:
        # _nrt is numba's runtime, which makes arrays and counts references to them.
        how: dict[str, Any] = {"_nrt": not inlined, "forceinline": inlined}
        dispatcher: Any = njit(cache=True, nogil=True, **how)(function)
        resolve = dispatcher.get_call_template

        def compiled() -> Any:
            if dispatcher._can_compile:
                dispatcher.compile(signature)
                dispatcher.disable_compile()
            return dispatcher

        # numba calls the first where no machine code fits a call from Python, and then what it
        # returns; the second is what a kernel asks that calls this one.
        dispatcher._compile_for_args = lambda *_: lambda *given: compiled()(*given)
        dispatcher.get_call_template = lambda *types: (compiled(), resolve(*types))[1]
        found: Function = dispatcher
        return found

    return decorate
