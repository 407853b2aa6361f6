"""One layout of landmarks, one file: only here are landmarks known by their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.layouts.five import FIVE
from services.render.layouts.ibug import IBUG
from services.render.layouts.mesh import MESH
from shared.model.faces import Layout

if TYPE_CHECKING:
    from services.render.topology import Topology

TOPOLOGIES: Final[dict[Layout, Topology]] = {Layout.MESH: MESH, Layout.IBUG: IBUG, Layout.FIVE: FIVE}
