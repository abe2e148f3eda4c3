// Of each box on the photo: whether it is darker inside than left of it and above it.
() => {
  const photo = document.querySelector("#viewer .stage canvas");
  const context = new OffscreenCanvas(photo.width, photo.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(photo, 0, 0);
  const scale = photo.width / document.querySelector(".overlay").viewBox.baseVal.width;
  const mean = (...box) => {
    const { data } = context.getImageData(...box.map((each) => Math.round(each * scale)));
    return data.reduce((sum, value) => sum + value, 0) / data.length;
  };
  return [...document.querySelectorAll(".overlay rect")].map((rect) => {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => rect[name].baseVal.value);
    return mean(x, y, width, height) < Math.min(mean(x - 4, y, 4, height), mean(x, y - 4, width, 4));
  });
}
