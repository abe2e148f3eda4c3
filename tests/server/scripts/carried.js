// Brings files, [name, type, base64] each, by "paste" or by "drop".
([kind, files]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) {
    data.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name, { type }));
  }
  const more = { bubbles: true, cancelable: true };
  if (kind === "paste") document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, ...more }));
  else for (const each of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(each, { dataTransfer: data, ...more }));
}
