"""The names that a console line finds: the session's above, the script's own globals below.

The script's globals are not copied and nothing is put into them but what a line assigns: a line that says `x = 1` gives
the script a global `x`, while `model`, `grads`, IPython's `_` and `In` are found here alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

#: What IPython keeps among a line's names.
_IPYTHONS = re.compile(
    r"_+|_i?\d+|_i{1,3}h?|_oh|_dh|In|Out|get_ipython|_exit_code|__builtins?__|__(annotations|name)__"
)
_MISSING: Any = object()


@lru_cache(maxsize=4096)
def _is_ipythons(name: str) -> bool:
    """Whether a name is IPython's; each of a hundred is asked after every line."""
    return _IPYTHONS.fullmatch(name) is not None


class Scope(dict[str, Any]):
    """A line's globals, made of three layers. Its own storage holds what no other layer may see.

    Args:
        script: the globals of the script.
        ours: what gives each name of the session, asked once a line.
    """

    def __init__(self, script: dict[str, Any], ours: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__()
        self.script = script
        self.ours = ours
        self._extras: dict[str, Any] = {}  # names that give way to the script's
        self._found: dict[str, Any] = {}
        self._building = True
        self._given: set[str] = set()  # names of ours that a line has assigned: from then on they are the script's
        self._made: set[str] = set()

    def ready(self) -> None:
        """The shell is made: what is assigned from here on is the script's, and what the shell has put in gives way."""
        self._building = False
        for name in [name for name in super().__iter__() if not _is_ipythons(name)]:
            self._extras.setdefault(name, super().pop(name))

    def offer(self, name: str, value: Any) -> None:
        """Gives a name that lines find where the script has none of that name."""
        self._extras[name] = value

    def begin(self) -> None:
        """A line begins: what the session gives is asked anew."""
        self._found = {}

    def end(self) -> None:
        """A line is over: tensors of the step are let go, and what `global` statements stored finds its place."""
        self._found = {}
        for name in [name for name in super().__iter__() if not _is_ipythons(name)]:
            self[name] = super().pop(name)

    def reset(self) -> None:
        """Takes away what lines made; the script's own names stay."""
        for name in self._made:
            self.script.pop(name, None)
        self._made, self._given, self._found = set(), set(), {}

    def plain(self) -> dict[str, Any]:
        """The script's names and extras as a plain dictionary, with nothing of the session's."""
        return {**self._extras, **self.script}

    # --- as a dictionary ---------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        value = self._look(name)
        if value is _MISSING:
            raise KeyError(name)
        return value

    def _look(self, name: str) -> Any:
        value = super().get(name, _MISSING)
        if value is not _MISSING:
            return value
        if name in self.ours and name not in self._given:
            value = self._found.get(name, _MISSING)
            if value is _MISSING:
                value = self._found[name] = self.ours[name]()
            if value is not None or name not in self.script:  # a learner that was not told of the script's `model`
                return value
        value = self.script.get(name, _MISSING)
        return self._extras.get(name, _MISSING) if value is _MISSING else value

    def __setitem__(self, name: str, value: Any) -> None:
        if self._building or _is_ipythons(name):
            super().__setitem__(name, value)
            return
        if self._found.get(name, _MISSING) is value or (name not in self.script and self._extras.get(name) is value):
            return  # magics put all names back as they found them
        if name in self.ours:
            self._given.add(name)
        if name not in self.script:
            self._made.add(name)
        self.script[name] = value

    def __delitem__(self, name: str) -> None:
        if super().__contains__(name):
            super().__delitem__(name)
            return
        if name in self._given:
            self._given.discard(name)  # the session's is found again
        elif name in self.ours or name not in self.script:
            raise KeyError(name)
        del self.script[name]
        self._made.discard(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.ours or name in self.script or name in self._extras

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys((*super().__iter__(), *self.ours, *self.script, *self._extras))
        return iter([name for name in names if self._can_be_had(name)])

    def _can_be_had(self, name: str) -> bool:
        try:
            return name not in self.ours or self._look(name) is not _MISSING
        except NameError:  # a tensor of the step that is not there
            return False

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> Any:
        """All names."""
        return list(self)

    def values(self) -> Any:
        """The values that can be had now."""
        return [value for _, value in self.items()]

    def items(self) -> Any:
        """Names with their values, those left out that cannot be had now."""
        return [(name, self._look(name)) for name in self]

    def get(self, name: str, default: Any = None) -> Any:
        """A name's value, or the default."""
        try:
            value = self._look(name)
        except NameError:
            return default
        return default if value is _MISSING else value

    def pop(self, name: str, *default: Any) -> Any:
        """Takes a name away and gives its value."""
        value = self.get(name, _MISSING)
        if value is _MISSING:
            if default:
                return default[0]
            raise KeyError(name)
        self.__delitem__(name)
        return value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """A name's value, given to it where it has none."""
        if name not in self:
            self[name] = default
        return self.get(name)

    def update(self, *others: Any, **more: Any) -> None:
        """Assigns several names."""
        for name, value in dict(*others, **more).items():
            self[name] = value

    def copy(self) -> dict[str, Any]:
        """Everything that can be had now, as a plain dictionary."""
        return dict(self.items())

    def clear(self) -> None:
        """The same as `reset`: the script's names are not a line's to clear."""
        self.reset()
