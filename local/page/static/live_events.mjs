// Shows the events of a running answer on its view.

export function showEvent(view, event, data) {
  switch (event) {
    case "text": view.addText(data.text); break;
    case "thinking": view.addThought(data.text); break;
    case "content_block_stop": view.finishBlock(); break;
    case "tool_use_start":
    case "tool_executing": view.beginTool(data.id, data.name); break;
    case "tool_input": view.addInput(data.partial_json); break;
    case "tool_result": view.endTool(data); break;
    case "client_action": view.showAction(data); break;
    case "reconnecting": view.wait("The connection was lost. Reconnecting …"); return;
    case "restarted": view.clear(); break;
    // Newer services may send other events.
    default: return;
  }
  view.wait();
}
