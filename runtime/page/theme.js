// Before the first paint: the theme that was chosen here, else the system's.
(function () {
  let chosen = null;
  try { chosen = localStorage.getItem("ak.theme"); } catch { /* storage is off */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
