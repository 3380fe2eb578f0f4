"""What a Chromium is told to leave alone while it is tested: it talks to nobody and draws no menus of its own."""

from __future__ import annotations

#: Chromium heeds the last list of features alone, so those that Playwright turns off are named again. What is added is
#: the address bar's popup, a page in two processes that each new window makes ready: 0.7 s of processor time.
_PLAYWRIGHTS = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,"
    "OptimizationHints,PaintHolding,PreconnectToSearch,TcpPortRandomizationWin,ThirdPartyStoragePartitioning"
)
NO_POPUP = f"--disable-features={_PLAYWRIGHTS},WebUIOmniboxPopup,WebUIOmniboxAimPopup"

#: The switches for every Chromium of the tests.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    NO_POPUP,
)
