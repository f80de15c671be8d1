// A slider for how strongly colours cover a film, in place of the choices that work without this file.
"use strict";
for (const slider of document.querySelectorAll("input[data-opacity]")) {
  const control = slider.closest("fieldset"), film = slider.closest(".film");
  if (!control || !film) continue;
  const chosen = control.querySelector("input[type=radio]:checked");
  if (chosen) slider.value = chosen.value;
  for (const label of control.querySelectorAll("label")) label.hidden = true;
  slider.hidden = false;
  control.dataset.ready = "";
  const apply = () => {
    for (const map of film.querySelectorAll(".map")) map.style.opacity = slider.value / 100;
    for (const outline of film.querySelectorAll(".outline")) outline.style.opacity = slider.value > 0 ? 1 : 0;
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
  };
  slider.addEventListener("input", apply);
  apply();
}
