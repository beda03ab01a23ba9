"""The messages of an OpenAI request -> pieces of a prompt, or the provider's refusal."""

import re
from typing import Any

from . import images, tokens
from .calls import Piece, Refused, require

DATA_URL = re.compile(r"data:(image/[a-z]+);base64,")


def text_piece(text: Any, *, user: bool) -> Piece:
    require(isinstance(text, str), "Invalid type: expected a string.", "messages", "invalid_type")
    return Piece(text=text, tokens=tokens.count_text(text) + 3, user=user)


def messages_read(messages: Any, param: str) -> list[Piece]:
    require(isinstance(messages, list) and messages, f"Invalid '{param}': empty array.", param, "empty_array")
    return [piece for place, message in enumerate(messages) for piece in _message(message, f"{param}[{place}]")]


def _message(message: Any, at: str) -> list[Piece]:
    role = message.get("role") if isinstance(message, dict) else None
    require(role in ("system", "developer", "user", "assistant"), f"Invalid value: '{role}'.", f"{at}.role")
    content = message.get("content")
    if isinstance(content, str):
        return [text_piece(content, user=role == "user")]
    require(isinstance(content, list) and content, f"Invalid type for '{at}.content'.", f"{at}.content", "invalid_type")
    return [_part(part, f"{at}.content[{place}]", role == "user") for place, part in enumerate(content)]


def _part(part: Any, at: str, user: bool) -> Piece:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("text", "input_text", "output_text"):
        return text_piece(part.get("text"), user=user)
    require(
        kind in ("image_url", "input_image"),
        f"Invalid value: '{kind}' is not spoken by the local provider.",
        f"{at}.type",
    )
    url = part.get("image_url")
    return _image(url.get("url") if isinstance(url, dict) else url, at, user)


def _image(url: Any, at: str, user: bool) -> Piece:
    found = DATA_URL.match(url) if isinstance(url, str) else None
    if found is None or not images.is_picture(url[found.end() :], found[1]):
        message = (
            "You uploaded an unsupported image. Please make sure your image is a data URL of a png, jpeg, gif or webp."
        )
        raise Refused(message, param=at, code="invalid_image_format")
    data = url[found.end() :]
    return Piece(image=data, tokens=tokens.count_image(images.head(data), "openai"), user=user)
