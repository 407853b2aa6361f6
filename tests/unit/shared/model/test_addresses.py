"""shared/model/addresses.py."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.render.outputs.rtmp import RtmpPlace
from shared.model.addresses import (
    SCHEMES,
    is_public,
    may_connect,
    read_networks,
    read_push_url,
    read_url,
    srt_options,
)
from shared.model.errors import Misconfigured, Rejected

NOT_PUBLIC = (
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)
PUBLIC = ("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1")


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_leads_inside_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_leads_outside_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_public_address_is_one_that_python_knows_as_private(address: IPv4Address) -> None:
    inside = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (is_public(address) and (inside or address.is_reserved or address.is_unspecified))


@given(st.ip_addresses(v=4))
def test_no_address_is_public_in_the_clothes_of_another_version(address: IPv4Address) -> None:
    number = int(address)
    dressed = (0xFFFF << 32 | number, number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80)
    dressed += (0x20010000 << 96 | (number ^ 0xFFFFFFFF), 0x64FF9B0001 << 80 | number)
    assert not [one for one in map(IPv6Address, dressed) if is_public(one)]


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    assert not is_public(address) or int(address) >> 125 == 1


def test_a_network_that_is_allowed_is_allowed_and_no_other() -> None:
    allowed = read_networks("127.0.0.0/8, fd00::/8", "some_setting")
    assert allowed == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    assert may_connect(ip_address("127.0.0.1"), allowed)
    assert may_connect(ip_address("fd00::1"), allowed)
    assert not may_connect(ip_address("10.0.0.1"), allowed)
    assert not may_connect(ip_address("::ffff:127.0.0.1"), allowed)


def test_a_list_of_networks_that_cannot_be_read_names_its_setting() -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_SOME_SETTING"):
        read_networks("10.0.0.0/8, here", "some_setting")
    assert read_networks(" , ", "some_setting") == ()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("rtmp://live.example/app/key", "live.example", 1935),
        ("RTMPS://Live.Example/app/key", "live.example", 443),
        ("rtsp://user:word@cam.example:8554/1", "cam.example", 8554),
        ("https://[2a00:1450::1]/x.m3u8", "2a00:1450::1", 443),
        ("http://bücher.example/x", "xn--bcher-kva.example", 80),
    ],
)
def test_a_url_has_its_parts(text: str, host: str, port: int) -> None:
    url = read_url(text)
    assert (url.host, url.port) == (host, port)
    assert url.scheme in SCHEMES


def test_what_may_be_told_of_a_url_is_its_scheme_and_host() -> None:
    url = read_url("rtmp://user:word@live.example:1936/app/secret?token=1#there")
    assert url.place == "rtmp://live.example"
    assert url.authority == "live.example:1936"
    assert repr(url) == "RemoteUrl(rtmp://live.example)"
    assert url.text.endswith("/app/secret?token=1")


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc/passwd",
        "ftp://host/x",
        "concat:a|b",
        "data:,secret",
        "//host/secret",
        "secret",
        "",
        "http:///secret",
        "http://user@/secret",
        "http://host:0/secret",
        "http://host:65536/secret",
        "http://host:x/secret",
        "http://[::1/secret",
        "http://[fe80::x]/secret",
        "http://ho st/secret",
        "http://host/secret\r\nHost: other",
        "http://host\\@other/secret",
        "http://ho%73t/secret",
        "http://-host/secret",
        "http://" + "a" * 300 + "/secret",
        "http://host/" + "secret" * 1000,
    ],
)
def test_what_is_no_such_url_is_refused_without_telling_its_path(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_url(text)
    assert refused.value.code == "source-refused"
    assert "secret" not in str(refused.value)


def test_srt_names_its_port_and_may_ask_for_a_stream() -> None:
    url = read_url("srt://live.example:9000?streamid=#!::r=cam/1,m=request&passphrase=secret%20words&mode=caller")
    assert (url.scheme, url.port, url.place) == ("srt", 9000, "srt://live.example")
    assert srt_options(url.text) == {
        "streamid": "#!::r=cam/1,m=request",
        "passphrase": "secret words",
        "mode": "caller",
    }


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("", "port"),
        (":9000?mode=listener", "mode: it must be caller"),
        (":9000?passphrase=secret", "passphrase: it has 10 to 79"),
        (":9000?streamid=", "streamid: it has 1 to 512"),
        (":9000?pbkeylen=12", "pbkeylen: it is 16, 24 or 32"),
        (":9000?latency=-1", "latency: it is 0 to 9999"),
        (":9000?localaddr=10.0.0.1", "not 'localaddr'"),
    ],
)
def test_what_srt_cannot_be_asked_for_is_refused_without_a_secret(rest: str, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence) as refusal:
        read_url(f"srt://live.example{rest}")
    assert "secret" not in str(refusal.value)


def test_only_wanted_schemes_are_taken() -> None:
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_SCHEMES"):
        read_url("http://live.example/x", ("https",))


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = read_url("http://" + text)
    except Rejected:
        return
    assert url.host
    assert 1 <= url.port <= 65535


@pytest.mark.parametrize(
    "text",
    ["rtmp://push.example/app/secret", "rtmps://push.example:1935/a/b/secret?k=1", "rtmp://8.8.8.8/app//secret/"],
)
def test_a_stream_on_a_server_is_pushed_to(text: str) -> None:
    assert read_push_url(text).text == text
    assert RtmpPlace.of(text).stream.startswith("secret")


@pytest.mark.parametrize(
    "text",
    [
        "rtmp://push.example", "rtmp://push.example/secret", "rtmp://push.example//secret/", "rtmp://me@push.example/a/secret",
        "rtmp://me:secret@push.example/a/b", "https://push.example/a/secret", "rtmp:///a/secret",
    ],
)  # fmt: skip
def test_what_cannot_be_pushed_to_is_refused_before_it_is_tried(text: str) -> None:
    for read in (read_push_url, RtmpPlace.of):
        with pytest.raises(Rejected) as refused:
            read(text)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["ftp://x/secret", "https://:1/secret", "https://x y/secret", "https://x:a/secret"])
def test_what_is_wrong_is_said_of_what_it_is(text: str) -> None:
    with pytest.raises(Rejected, match="callback's URL") as refused:
        read_url(text, ("https",), "callback")
    assert "source" not in str(refused.value)
    assert "secret" not in str(refused.value)
