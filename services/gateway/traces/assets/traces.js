// Comfort only: without it every page shows the same.
"use strict";

for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  time.title = time.textContent;
  const day = at.toDateString() === new Date().toDateString() ? "" : at.toLocaleDateString() + " ";
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  time.textContent = `${day}${at.toLocaleTimeString([], { hour12: false })}.${ms}`;
}

for (const one of document.querySelectorAll(".script")) one.hidden = false;

const copy = document.getElementById("copy");
copy?.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(document.getElementById("share").href);
    copy.textContent = "Copied";
  } catch {
    copy.textContent = "The browser does not let pages copy here";
  }
});

const unfold = document.getElementById("unfold");
unfold?.addEventListener("click", () => {
  const rows = [...document.querySelectorAll("details.row")];
  const open = rows.some((row) => !row.open);
  for (const row of rows) row.open = open;
  unfold.textContent = open ? "Fold all" : "Unfold all";
});

const shown = location.hash && document.getElementById(location.hash.slice(1));
if (shown instanceof HTMLDetailsElement) shown.open = true;

const again = document.getElementById("again");
if (again) {
  let timer;
  const renew = () => {
    sessionStorage.setItem("again", again.checked ? "1" : "");
    clearTimeout(timer);
    if (again.checked) timer = setTimeout(() => location.reload(), 5000);
  };
  again.checked = sessionStorage.getItem("again") === "1";
  again.addEventListener("change", renew);
  renew();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    document.getElementById("id")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    const stops = [...document.querySelectorAll("summary, .list tbody a")];
    const at = stops.indexOf(document.activeElement);
    stops[Math.min(stops.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))]?.focus();
  } else {
    return;
  }
  event.preventDefault();
});
