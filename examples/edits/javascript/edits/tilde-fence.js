const isFence = (line) => line.startsWith('```') || line.startsWith('~~~');
