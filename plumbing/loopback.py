"""HTTP calls to the programs on this computer.

A proxy in the environment (HTTP_PROXY) and a password in ~/.netrc are for the world outside, but unless told otherwise
`requests` also uses them for 127.0.0.1 (https://requests.readthedocs.io/en/latest/api/#requests.Session.trust_env).
"""

import requests


def get(url: str, **options) -> requests.Response:
    """As requests.get."""
    return _request("GET", url, **options)


def post(url: str, **options) -> requests.Response:
    """As requests.post."""
    return _request("POST", url, **options)


def _request(method: str, url: str, **options) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, **options)
