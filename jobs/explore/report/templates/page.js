"use strict";
// Without this script the page is one long text with links; with it the links are tabs and what is
// searched for is picked out. Nothing here makes HTML of a text.
const tabs = [...document.querySelectorAll("#tabs a")];
const panels = tabs.map((tab) => document.querySelector(tab.hash));
const search = document.getElementById("search");
const found = document.getElementById("found");
const items = panels.map((panel) => [...panel.querySelectorAll(".item")]);

document.getElementById("tabs").setAttribute("role", "tablist");
search.parentElement.hidden = false;
tabs.forEach((tab, i) => {
  tab.id = `tab-${panels[i].id}`;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", panels[i].id);
  panels[i].setAttribute("role", "tabpanel");
  panels[i].setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    open(i);
  });
});

function open(chosen, focus = true) {
  tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", i === chosen);
    tab.tabIndex = i === chosen ? 0 : -1;
    panels[i].hidden = i !== chosen;
  });
  if (focus) tabs[chosen].focus();
}

document.getElementById("tabs").addEventListener("keydown", (event) => {
  const now = tabs.indexOf(document.activeElement);
  const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1, " ": now }[event.key];
  if (now < 0 || next === undefined) return;
  event.preventDefault();
  open((next + tabs.length) % tabs.length);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});

search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let total = 0;
  items.forEach((own, i) => {
    let hits = 0;
    for (const item of own) {
      const text = words.length ? item.textContent.toLowerCase() : "";
      const hit = words.every((word) => text.includes(word));
      item.classList.toggle("filtered", !hit);
      if (item.tagName === "DETAILS" && words.length) item.open = hit;
      hits += hit;
    }
    total += hits;
    if (words.length) tabs[i].dataset.found = hits;
    else delete tabs[i].dataset.found;
  });
  found.textContent = words.length ? `${total} found` : "";
});

const asked = panels.findIndex((panel) => `#${panel.id}` === location.hash);
open(Math.max(asked, 0), false);
