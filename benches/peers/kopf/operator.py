"""A plain operator with kopf, as its tutorial teaches it: a handler for the creation, which does it and writes down that it is done.

It is a peer, not a part of this project: the campaign plays the same script to it (``make campaign-peers``). The framework's defaults
hold: its own progress in annotations, and errors tried again after a minute.
"""

import asyncio
import datetime
import os
import ssl
import time

import aiohttp
import kopf

GRAPH = os.environ["GRAPH"]
TOKEN_URL = f"{os.environ['AUTHORITY']}/{os.environ['TENANT_ID']}/oauth2/v2.0/token"


@kopf.on.startup()
async def startup(memo: kopf.Memo, settings: kopf.OperatorSettings, **_):
    settings.posting.enabled = False
    trust = ssl.create_default_context(cafile=os.environ["CA_FILE"])
    memo.http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        timeout=aiohttp.ClientTimeout(total=30),
    )
    memo.lock = asyncio.Lock()
    memo.token = None
    memo.expires = 0.0


@kopf.on.cleanup()
async def cleanup(memo: kopf.Memo, **_):
    await memo.http.close()


async def token(memo: kopf.Memo) -> str:
    async with memo.lock:
        if memo.token is None or time.monotonic() >= memo.expires:
            form = {
                "grant_type": "client_credentials",
                "client_id": os.environ["CLIENT_ID"],
                "client_secret": os.environ["CLIENT_SECRET"],
                "scope": f"{GRAPH}/.default",
            }
            async with memo.http.post(TOKEN_URL, data=form) as answer:
                answer.raise_for_status()
                body = await answer.json()
            memo.token = body["access_token"]
            memo.expires = time.monotonic() + body["expires_in"] - 300
        return memo.token


@kopf.on.create("peers.example.com", "v1alpha1", "passcoderesets")
async def create(spec, patch, memo: kopf.Memo, **_):
    device = spec["device"]["managedDeviceId"]
    url = f"{GRAPH}/v1.0/deviceManagement/managedDevices/{device}/resetPasscode"
    headers = {"Authorization": f"Bearer {await token(memo)}"}
    async with memo.http.post(url, headers=headers) as answer:
        answer.raise_for_status()
    patch.status["phase"] = "Complete"
    patch.status["completionTime"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
