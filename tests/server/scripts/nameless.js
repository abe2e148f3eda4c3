// Controls without a name.
() => [...document.querySelectorAll("button, a, input:not([hidden])")]
  .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.labels?.length))
  .map((node) => node.outerHTML)
