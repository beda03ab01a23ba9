"""Who knocked in vain: what login throttling counts."""

from django.db import models


class FailedLogin(models.Model):
    """One failed attempt to log in. Kept for a day."""

    username_sha256 = models.CharField(max_length=64)  # people type passwords into this field
    address = models.CharField(max_length=45)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["username_sha256", "at"], name="failed_login_by_name"),
            models.Index(fields=["address", "at"], name="failed_login_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.username_sha256[:8]} at {self.at}"
