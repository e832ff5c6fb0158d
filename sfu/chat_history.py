"""What was said in a room, for those who come later: the newest messages, bounded in number and in bytes. Pure."""

from collections import deque
from collections.abc import Iterator

from sfu.chat import ChatMessage
from sfu.ids import MessageId


class ChatHistory:
    """`max_bytes` counts messages as they are sent. Either limit at 0 keeps nothing."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._messages: deque[tuple[ChatMessage, int]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[ChatMessage]:
        """Oldest first."""
        return (message for message, _ in self._messages)

    def add(self, message: ChatMessage) -> None:
        """Keep it, unless it is private; the oldest make room."""
        if message.to is not None:
            return
        size = len(message.to_json(history=True))
        self._messages.append((message, size))
        self._bytes += size
        while len(self._messages) > self._max_messages or self._bytes > self._max_bytes:
            self._bytes -= self._messages.popleft()[1]

    def remove(self, message_id: MessageId) -> None:
        """Whoever comes later does not get it, if it is still kept."""
        kept = [entry for entry in self._messages if entry[0].id != message_id]
        self._messages = deque(kept)
        self._bytes = sum(size for _, size in kept)
