"""A script with Microsoft's SDK, as somebody would write it who has a list of phones: one request for each, and once more for those that failed.

It is a peer, not a part of this project: the bench compares with it (``make bench W=W3``). The SDK's defaults hold, its repetitions of
throttled requests among them. Phones come on standard input or from a file, an id a line; ``--at-once`` says how many requests are under way.
"""

import argparse
import asyncio
import os
import ssl
import time

import httpx
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory

GRAPH = os.environ["GRAPH"]
TRUST = ssl.create_default_context(cafile=os.environ["CA_FILE"])
ROUNDS = 20


class Credential:
    """The client secret's token. azure-identity would ask for the authority's discovery document, which only Entra itself has."""

    def __init__(self):
        self.token = None

    def get_token(self, *scopes, **_):
        if self.token is None or time.time() > self.token.expires_on - 300:
            form = {
                "grant_type": "client_credentials",
                "client_id": os.environ["CLIENT_ID"],
                "client_secret": os.environ["CLIENT_SECRET"],
                "scope": scopes[0],
            }
            url = f"{os.environ['AUTHORITY']}/{os.environ['TENANT_ID']}/oauth2/v2.0/token"
            answer = httpx.post(url, data=form, verify=TRUST).raise_for_status().json()
            self.token = AccessToken(answer["access_token"], int(time.time()) + answer["expires_in"])
        return self.token


def graph_client() -> GraphServiceClient:
    host = GRAPH.removeprefix("https://")
    provider = AzureIdentityAuthenticationProvider(
        Credential(),
        scopes=[f"{GRAPH}/.default"],
        allowed_hosts=[host, host.split(":")[0]],
    )
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=TRUST, timeout=30),
    )
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = f"{GRAPH}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("phones")
    arguments = parser.parse_args()
    with open(arguments.phones, encoding="utf-8") as file:
        phones = file.read().split()
    client = graph_client()
    at_once = asyncio.Semaphore(arguments.at_once)

    async def reset(phone):
        async with at_once:
            try:
                await client.device_management.managed_devices.by_managed_device_id(
                    phone
                ).reset_passcode.post()
            except Exception as error:  # noqa: BLE001: whatever it was, it is tried again
                print(f"{phone}: {type(error).__name__} {error}", flush=True)
                return phone
        return None

    for _ in range(ROUNDS):
        failed = await asyncio.gather(*(reset(phone) for phone in phones))
        phones = [phone for phone in failed if phone is not None]
        if not phones:
            return
        print(f"once more for {len(phones)}", flush=True)


asyncio.run(main())
