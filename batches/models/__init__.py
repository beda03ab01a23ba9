"""The nouns as tables. Import them from here."""

from batches.models.accounts import Judge, ProviderAccount
from batches.models.api import ApiToken, Scope, StoredAnswer
from batches.models.assessment import Assessment, AssessmentJudge, Essay, EssayPage
from batches.models.callbacks import Callback, IncomingWebhook, Relay
from batches.models.claims import Claim
from batches.models.costs import DayCost
from batches.models.doors import FailedLogin
from batches.models.erasure import Erasure
from batches.models.jobs import BatchItem, BatchJob, IllegalMove, LostLease, NightlyRun, Stranger
from batches.models.judging import Comparison, Judgement, Round
from batches.models.moves import JobMove
from batches.models.parts import JobPart
from batches.models.probes import Probe
from batches.models.project import AuditEntry, Membership, Project
from batches.models.results import Deployment, RawChunk, RawFile, StrayLine
from batches.models.roster import RosterName
from batches.models.scale import Scale, Score
from batches.models.sketches import Sketch, SketchEssay, SketchPage
from batches.models.suspicions import Flag, SetAside

__all__ = [
    "ApiToken",
    "Assessment",
    "AssessmentJudge",
    "AuditEntry",
    "BatchItem",
    "BatchJob",
    "Callback",
    "Claim",
    "Comparison",
    "DayCost",
    "Deployment",
    "Erasure",
    "Essay",
    "EssayPage",
    "FailedLogin",
    "Flag",
    "IllegalMove",
    "IncomingWebhook",
    "JobMove",
    "JobPart",
    "Judge",
    "Judgement",
    "LostLease",
    "Membership",
    "NightlyRun",
    "Probe",
    "Project",
    "ProviderAccount",
    "RawChunk",
    "RawFile",
    "Relay",
    "RosterName",
    "Round",
    "Scale",
    "Scope",
    "Score",
    "SetAside",
    "Sketch",
    "SketchEssay",
    "SketchPage",
    "StoredAnswer",
    "Stranger",
    "StrayLine",
]
