"""A project with people in each role, and browsers that are logged in as them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Project
from tests.admin import factories

Visit = Callable[[str], Client]


@pytest.fixture
def project(db: None) -> Project:
    return factories.project("Northfield")


@pytest.fixture
def visit(project: Project) -> Visit:
    """`visit("viewer")`: a client of a member of the project in that role."""

    def login(role: str) -> Client:
        user = User.objects.filter(username=role).first() or factories.person(role, project, role=role)
        client = Client()
        client.force_login(user)
        return client

    return login
