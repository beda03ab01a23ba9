"""Settings for the test suite: its own data folder, the local provider, and never a key."""

import os

from cjadmin.local.environment import drop_keys
from cjadmin.var import BASE_DIR

drop_keys()
test_var = os.environ.get("CJ_TEST_VAR") or str(BASE_DIR / "var" / "test")
for name in [name for name in os.environ if name.startswith(("CJ_", "KAFKA_"))]:
    os.environ.pop(name)
os.environ |= {"CJ_TEST_VAR": test_var, "CJ_VAR": test_var, "CJ_LOCAL_PROVIDER": "1"}
os.environ["CJ_CANARIES_PER_ROUND"] = "0"  # tests count comparisons; those about known pairs ask for some

from cjadmin.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
