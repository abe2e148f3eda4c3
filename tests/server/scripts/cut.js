// The next answer about an image breaks off after its headers.
() => {
  const real = window.fetch;
  const cut = () => new Response(new ReadableStream({ start: (control) => control.error(new TypeError("cut")) }));
  window.fetch = async (path, how) => {
    if (!path.startsWith("v1/read")) return real(path, how);
    window.fetch = real;
    return cut();
  };
}
