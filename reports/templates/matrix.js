"use strict";
(() => {
  // Light and dark: the reader's choice stands over the system's, on this page and on the cells' own.
  const root = document.documentElement;
  const store = { get: () => { try { return localStorage.getItem("redquake-theme"); } catch { return null; } }, set: (v) => { try { localStorage.setItem("redquake-theme", v); } catch { /* Not allowed for files everywhere. */ } } };
  if (store.get()) root.dataset.theme = store.get();
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Light / dark";
  button.title = "Change between light and dark";
  button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.set(root.dataset.theme);
  });
  document.getElementById("tools").append(button);
})();
