"""Start the gateway."""

from __future__ import annotations

from services.gateway import measuring
from services.gateway.access import Access, keys_are_asked_for, tell_whether_asked
from services.gateway.admission import Admission
from services.gateway.assets.desk import AssetDesk
from services.gateway.callbacks.calling import Caller
from services.gateway.callbacks.desk import CallbackDesk
from services.gateway.jobs.desk import JobDesk
from services.gateway.jobs.reconciling import Reconciler
from services.gateway.jobs.removal import JobRemoval
from services.gateway.live.desk import LiveDesk
from services.gateway.parts import Parts
from services.gateway.rest import app
from services.gateway.rest.serving import RestServer
from services.gateway.rpc.server import RpcServer
from services.gateway.settings import GatewaySettings
from services.gateway.stills import StillClient
from services.gateway.streams.desk import StreamDesk
from services.gateway.sweeping import Sweeper
from services.gateway.traces.shelf import TraceShelf
from shared.runtime import lifecycle
from shared.runtime.draining import Draining
from shared.runtime.pasts import kept_where
from shared.runtime.presence import Presence
from shared.transport.dispatching import Dispatcher
from shared.transport.keys import KeyRing
from shared.transport.ledger import JobLedger
from shared.transport.store import ObjectStore


async def run(settings: GatewaySettings, _: Draining) -> None:
    """Serve until cancelled."""
    async with lifecycle.connected("gateway", settings) as (bus, telemetry), kept_where(settings, bus) as pasts:
        store = ObjectStore.open(settings.store)
        presence, ledger, rules = Presence(), JobLedger(store), settings.callbacks
        assets = AssetDesk(bus, store, telemetry, settings.asset_deadline_seconds)
        admission = Admission(presence, assets)
        removal = JobRemoval(bus, store, pasts if settings.context.get_secret_value() else None)  # functions use Redis
        sweeper = Sweeper(bus, store, ledger, removal)
        reconciler = Reconciler(bus, ledger, Dispatcher(bus, store), telemetry)
        live = LiveDesk(bus, telemetry, admission, pasts, settings)
        parts = Parts(
            settings=settings,
            telemetry=telemetry,
            presence=presence,
            stills=StillClient(bus, telemetry, settings.max_stills, settings.still_deadline_seconds),
            jobs=JobDesk(bus, store, ledger, telemetry, admission, rules),
            removal=removal,
            traces=TraceShelf(settings.trace_count, settings.trace_spans),
            assets=assets,
            callbacks=CallbackDesk(store, ledger, rules, Caller(rules)),
            admission=admission,
            live=live,
            streams=StreamDesk(live, store),
            access=Access(KeyRing(store), asked=keys_are_asked_for(settings), cache_seconds=settings.key_seconds),
        )

        def let_go() -> None:
            parts.jobs.let_go()
            parts.streams.let_go()

        rest = RestServer(app.build(parts), settings, let_go, live.drained)
        rpc = RpcServer(parts)
        grpc_address = await rpc.start()
        await rest.start()
        lifecycle.tell_ready(settings, rest=rest.url, grpc=grpc_address, keys=tell_whether_asked(settings))
        try:
            stock = measuring.follow(bus, telemetry.metrics, presence)
            following = stock, presence.follow(bus), parts.traces.follow(bus), parts.callbacks.run(bus, telemetry)
            sweeping = sweeper.run(settings.keep_seconds, settings.sweep_seconds)
            await lifecycle.together(rest.run(), rpc.run(), *following, reconciler.run(), sweeping)
        finally:
            await parts.streams.close()


if __name__ == "__main__":
    lifecycle.main("gateway", GatewaySettings, run)
