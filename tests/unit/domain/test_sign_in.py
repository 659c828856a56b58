"""The ways to sign in, for persons."""

import pytest

from roster_sync.domain.sign_in import SignIn, SignInMethod


@pytest.mark.parametrize(
    ("sign_in", "words"),
    [
        (SignIn(SignInMethod.OAUTH1_SHA256), "OAuth 1.0a with HMAC-SHA256"),
        (
            SignIn(SignInMethod.OAUTH2_BODY_UNSCOPED, "https://sis.example.org/token"),
            "OAuth 2.0 without scope, key and secret in the body, with tokens of https://sis.example.org/token",
        ),
        (SignIn(SignInMethod.BEARER), "the secret as bearer token"),
    ],
)
def test_a_way_to_sign_in_is_told_in_words(sign_in: SignIn, words: str) -> None:
    assert sign_in.in_words == words


def test_each_way_has_words_of_its_own() -> None:
    assert len({SignIn(method).in_words for method in SignInMethod}) == len(SignInMethod)
