// A thumb, drawn as SVG: not every machine has a font with emoji.

const SVG = "http://www.w3.org/2000/svg";
const CUFF = "M3.5 10.5h3.5v9.5h-3.5z";
const HAND = "M7 11.2l3.6-7.4c1.6 0 2.6 1 2.6 2.6v3.2h5.2c1.3 0 2.2 1.1 2 2.4l-1.1 6.2c-.2 1-1 1.8-2.1 1.8h-10.2z";

/** Create the picture of a thumb that points up or down. The button around it has the name. */
export function thumbIcon(isUp) {
  const picture = part("svg", { viewBox: "0 0 24 24", width: "18", height: "18", "aria-hidden": "true" });
  const lines = { fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linejoin": "round" };
  const thumb = part("g", isUp ? lines : { ...lines, transform: "rotate(180 12 12)" });
  thumb.append(part("path", { d: CUFF }), part("path", { d: HAND }));
  picture.append(thumb);
  return picture;
}

function part(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
