// A chosen folder -> where each of its files lies in it, which a form does not tell; and a note while files are sent.
"use strict";
for (const folder of document.querySelectorAll("input[data-paths]")) {
  const paths = document.getElementById(folder.dataset.paths);
  folder.addEventListener("change", () => {
    paths.value = JSON.stringify(Array.from(folder.files, (file) => file.webkitRelativePath || file.name));
  });
}
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const chosen = Array.from(form.querySelectorAll("input[type=file]")).some((input) => input.files.length);
    if (chosen) form.querySelector("[data-busy-note]").textContent = form.dataset.busy;
  });
}
