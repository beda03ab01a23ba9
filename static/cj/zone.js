// Tells the server in which time zone this browser is, so that pages can show times in it.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes(`cj_zone=${zone}`)) {
    document.cookie = `cj_zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }
})();
