"""The types of listeners, event by event: what `on('data', f)` expects of `f`. For type checkers alone.

Each class is the type of `on`, `once` and their kin for one kind of emitter. A `str` that is no event of the emitter is
an error, so that a misspelt event is found.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union, overload

if TYPE_CHECKING:
    from typing import Literal, Protocol

    from .abort import AbortSignal
    from .addresses import DropInfo
    from .server import Server
    from .socket import Socket
    from .stream import Duplex

    Nothing = Callable[[], object]
    Chunk = Union[Callable[[bytes], object], Callable[[str], object]]       # `str` after set_encoding
    Error = Callable[[Exception], object]
    Flag = Callable[[bool], object]
    Lookup = Callable[[Optional[Exception], Optional[str], Optional[int], str], object]
    Attempt = Callable[[str, int, int], object]
    AttemptFailed = Callable[[str, int, int, Exception], object]
    Source = Callable[[Duplex], object]
    Name = Callable[[str, Callable[..., Any]], object]
    Connection = Callable[[Socket], object]
    Drop = Callable[[Optional[DropInfo]], object]
    Abort = Callable[[AbortSignal], object]

    NothingT = TypeVar("NothingT", bound=Nothing)
    ChunkT = TypeVar("ChunkT", bound=Chunk)
    ErrorT = TypeVar("ErrorT", bound=Error)
    FlagT = TypeVar("FlagT", bound=Flag)
    LookupT = TypeVar("LookupT", bound=Lookup)
    AttemptT = TypeVar("AttemptT", bound=Attempt)
    AttemptFailedT = TypeVar("AttemptFailedT", bound=AttemptFailed)
    SourceT = TypeVar("SourceT", bound=Source)
    NameT = TypeVar("NameT", bound=Name)
    ConnectionT = TypeVar("ConnectionT", bound=Connection)
    DropT = TypeVar("DropT", bound=Drop)
    AbortT = TypeVar("AbortT", bound=Abort)

    AttemptEvent = Literal["connectionAttempt", "connectionAttemptTimeout"]
    SocketState = Literal["connect", "drain", "end", "finish", "pause", "readable", "ready", "resume", "timeout"]

    class SocketListening(Protocol):
        """`on` of a `Socket`, with a listener or as a decorator."""

        @overload
        def __call__(self, event: Literal["data"], listener: Chunk) -> Socket: ...
        @overload
        def __call__(self, event: Literal["data"]) -> Callable[[ChunkT], ChunkT]: ...
        @overload
        def __call__(self, event: SocketState, listener: Nothing) -> Socket: ...
        @overload
        def __call__(self, event: SocketState) -> Callable[[NothingT], NothingT]: ...
        @overload
        def __call__(self, event: Literal["error"], listener: Error) -> Socket: ...
        @overload
        def __call__(self, event: Literal["error"]) -> Callable[[ErrorT], ErrorT]: ...
        @overload
        def __call__(self, event: Literal["close"], listener: Flag) -> Socket: ...
        @overload
        def __call__(self, event: Literal["close"]) -> Callable[[FlagT], FlagT]: ...
        @overload
        def __call__(self, event: Literal["lookup"], listener: Lookup) -> Socket: ...
        @overload
        def __call__(self, event: Literal["lookup"]) -> Callable[[LookupT], LookupT]: ...
        @overload
        def __call__(self, event: AttemptEvent, listener: Attempt) -> Socket: ...
        @overload
        def __call__(self, event: AttemptEvent) -> Callable[[AttemptT], AttemptT]: ...
        @overload
        def __call__(self, event: Literal["connectionAttemptFailed"], listener: AttemptFailed) -> Socket: ...
        @overload
        def __call__(self, event: Literal["connectionAttemptFailed"]) -> Callable[[AttemptFailedT], AttemptFailedT]: ...
        @overload
        def __call__(self, event: Literal["pipe", "unpipe"], listener: Source) -> Socket: ...
        @overload
        def __call__(self, event: Literal["pipe", "unpipe"]) -> Callable[[SourceT], SourceT]: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"], listener: Name) -> Socket: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"]) -> Callable[[NameT], NameT]: ...

    class ServerListening(Protocol):
        """`on` of a `Server`, with a listener or as a decorator."""

        @overload
        def __call__(self, event: Literal["connection"], listener: Connection) -> Server: ...
        @overload
        def __call__(self, event: Literal["connection"]) -> Callable[[ConnectionT], ConnectionT]: ...
        @overload
        def __call__(self, event: Literal["close", "listening"], listener: Nothing) -> Server: ...
        @overload
        def __call__(self, event: Literal["close", "listening"]) -> Callable[[NothingT], NothingT]: ...
        @overload
        def __call__(self, event: Literal["error"], listener: Error) -> Server: ...
        @overload
        def __call__(self, event: Literal["error"]) -> Callable[[ErrorT], ErrorT]: ...
        @overload
        def __call__(self, event: Literal["drop"], listener: Drop) -> Server: ...
        @overload
        def __call__(self, event: Literal["drop"]) -> Callable[[DropT], DropT]: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"], listener: Name) -> Server: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"]) -> Callable[[NameT], NameT]: ...

    class SignalListening(Protocol):
        """`on` of an `AbortSignal`, with a listener or as a decorator."""

        @overload
        def __call__(self, event: Literal["abort"], listener: Abort) -> AbortSignal: ...
        @overload
        def __call__(self, event: Literal["abort"]) -> Callable[[AbortT], AbortT]: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"], listener: Name) -> AbortSignal: ...
        @overload
        def __call__(self, event: Literal["newListener", "removeListener"]) -> Callable[[NameT], NameT]: ...
