"""Which addresses callbacks may go to: none of a private network, unless that is allowed."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

# What Python's `is_global` misses, or has judged differently from one version to the next.
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",
        "169.254.0.0/16",  # where clouds keep their secrets
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # IPv4 within, and :: and ::1
        "::ffff:0:0/96",
        "64:ff9b::/96",  # translated to IPv4, private ones too
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",  # 6to4: IPv4 within
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


class AddressRefused(Exception):
    """A callback's address may not be used; the message says why in a sentence."""


def check_address(url: str, *, private: bool) -> SplitResult:
    """Look at an address without resolving its name.

    Args:
        url: as it was given.
        private: whether addresses of private networks are allowed.

    Raises:
        AddressRefused: it is not http or https, or it names a private address outright.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("The callback's address is malformed.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise AddressRefused("A callback's address begins with http:// or https:// and has a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("A callback's address holds no user name and no password.")
    if any(not "!" <= character <= "~" for character in url) or "\\" in url:
        raise AddressRefused("A callback's address is written in plain letters, without spaces.")
    if not private:
        try:
            literal = ip_address(host.partition("%")[0])
        except ValueError:
            if host.rstrip(".").lower().rpartition(".")[2] == "localhost":
                raise _refusal(host) from None
        else:
            if is_private(literal):
                raise _refusal(host)
    return parts


def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host that may be connected to.

    Raises:
        AddressRefused: there are none, or one of them is private.
        OSError: the name cannot be resolved now.
    """
    found = dict.fromkeys(
        str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    if not private and any(is_private(ip_address(text.partition("%")[0])) for text in found):
        # All are refused for one: whoever answers with both is trying something.
        raise _refusal(host)
    return list(found)


def is_private(address: Address) -> bool:
    """Whether it is anything but an address of the public Internet."""
    return not address.is_global or any(
        address.version == network.version and address in network for network in _REFUSED
    )


def _refusal(host: str) -> AddressRefused:
    return AddressRefused(
        f"{host} is an address of a private network, where callbacks do not go unless"
        " the setting callbacks.private allows it."
    )
