"""Reaching a Temporal server, and saying in one sentence why not."""
import argparse
import asyncio
import re
from typing import Any, Optional, Tuple

import temporalio.api.workflowservice.v1 as service
import temporalio.converter
from temporalio.client import Client, TLSConfig
from temporalio.service import RPCError, RPCStatusCode

from .shared import Shared

# What `ak` itself answers with (runtime/exit_codes.h).
FAILED, USAGE, NO_TOKEN, REFUSED, BAD_TOKEN, NOT_FOUND = 1, 40, 41, 42, 43, 44

OLDEST_SERVER = (1, 24)     # updates with start came with it
CONNECT_SECONDS = 10


class Refusal(Exception):
    """One sentence for the user, and the exit code."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--temporal", required=True, metavar="HOST:PORT")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--task-queue", default="ak")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--tls-ca")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--tls-server-name")
    parser.add_argument("--api-key-file")
    parser.add_argument("--codec", metavar="MODULE:NAME")
    parser.add_argument("--shared", required=True)
    parser.add_argument("--cache", required=True)


def read_file(path: Optional[str], what: str) -> Optional[bytes]:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as exc:
        raise Refusal(NOT_FOUND, "%s %s: %s" % (what, path, exc.strerror)) from None


def tls_of(args: argparse.Namespace) -> Any:
    if not (args.tls or args.tls_ca or args.tls_cert or args.api_key):
        return False
    return TLSConfig(server_root_ca_cert=read_file(args.tls_ca, "--tls-ca"), client_cert=read_file(args.tls_cert, "--tls-cert"),
                     client_private_key=read_file(args.tls_key, "--tls-key"), domain=args.tls_server_name)


def named_object(name: str, flag: str) -> Any:
    """`module:name`, from the current folder or the environment: a codec, an interceptor."""
    import importlib

    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        return found() if isinstance(found, type) else found
    except (ImportError, AttributeError, ValueError) as exc:
        raise Refusal(NOT_FOUND, "%s %s: %s" % (flag, name, exc)) from None


def converter_of(args: argparse.Namespace, shared: Shared) -> temporalio.converter.DataConverter:
    codec = named_object(args.codec, "--codec") if args.codec else None
    return temporalio.converter.DataConverter(payload_codec=codec, external_storage=shared.storage())


async def connect(args: argparse.Namespace, shared: Shared, **more: Any) -> Client:
    args.api_key = (read_file(args.api_key_file, "--api-key-file") or b"").decode().strip() or None
    try:
        client = await asyncio.wait_for(Client.connect(
            args.temporal, namespace=args.namespace, tls=tls_of(args), api_key=args.api_key,
            data_converter=converter_of(args, shared), **more), CONNECT_SECONDS)
    except (RuntimeError, OSError, asyncio.TimeoutError) as exc:
        raise Refusal(*why_not(args, str(exc))) from None
    await look_at_server(args, client)
    return client


def why_not(args: argparse.Namespace, words: str) -> Tuple[int, str]:
    lower = words.lower()
    if any(word in lower for word in ("certificate", "tls", "handshake", "corrupt message", "invalidcontenttype", "frame with invalid")):
        return FAILED, "the server at %s refused the TLS connection: %s" % (args.temporal, short(words))
    if "unauthenticated" in lower or "permission" in lower:
        return BAD_TOKEN, "the server at %s does not let us in: %s" % (args.temporal, short(words))
    if any(word in lower for word in ("http2", "goaway", "broken pipe", "connection reset", "unexpected eof", "bytes remaining")):
        return FAILED, "the server at %s ended the connection: does it want --tls, or not? (%s)" % (args.temporal, short(words))
    return FAILED, "no Temporal server answers at %s: %s" % (args.temporal, short(words) or "no answer in %d s" % CONNECT_SECONDS)


def short(words: str) -> str:
    """The innermost reason that the layers below give."""
    found = re.findall(r'(?:message: |error: |kind: )"?([^"\\,{}()]{4,})', words)
    return " ".join((found[-1] if found else words).split())[:200].rstrip(". ")


async def look_at_server(args: argparse.Namespace, client: Client) -> None:
    try:
        info = await client.workflow_service.get_system_info(service.GetSystemInfoRequest())
        await client.workflow_service.describe_namespace(service.DescribeNamespaceRequest(namespace=args.namespace))
    except RPCError as exc:
        if exc.status in (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED):
            raise Refusal(BAD_TOKEN, "the server at %s does not let us into namespace '%s': %s" % (
                args.temporal, args.namespace, exc.message)) from None
        if exc.status == RPCStatusCode.NOT_FOUND:
            raise Refusal(NOT_FOUND, "the server at %s has no namespace '%s'" % (args.temporal, args.namespace)) from None
        raise Refusal(FAILED, "the server at %s: %s" % (args.temporal, exc.message)) from None
    check_version(args.temporal, info.server_version)


def check_version(where: str, version: str) -> None:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found and tuple(map(int, found.groups())) < OLDEST_SERVER:
        raise Refusal(FAILED, "the server at %s is Temporal %s; this wants %d.%d or later" % (where, version, *OLDEST_SERVER))


async def search_attributes(client: Client, make: bool) -> bool:
    """Are the attributes of sessions known to the namespace? Made when they are not, where the server lets us."""
    import temporalio.api.enums.v1 as enums
    import temporalio.api.operatorservice.v1 as operator

    names = ("AkProject", "AkDeployment", "AkTrigger", "AkEntry")
    try:
        known = await client.operator_service.list_search_attributes(operator.ListSearchAttributesRequest(namespace=client.namespace))
        missing = [n for n in names if n not in known.custom_attributes]
        if missing and make:
            await client.operator_service.add_search_attributes(operator.AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={n: enums.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for n in missing}))
            missing = []
    except RPCError:
        return False
    return not missing
