"""Questions and their answers. Every edge calls this package and formats."""

from skillgap.analysis.ratings import Ratings
from skillgap.service.connection import connect, ready_engine
from skillgap.service.skillgap import Skillgap

__all__ = ["Ratings", "Skillgap", "connect", "ready_engine"]
