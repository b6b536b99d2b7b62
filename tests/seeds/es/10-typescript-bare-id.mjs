import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';

const client = new AnthropicBedrock({
  awsRegion: 'us-west-2',
});

// Usando el punto final regional de EE.UU. (CRIS)
const message = await client.messages.create({
  model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',  // Sin prefijo global.
  max_tokens: 256,
  messages: [{role: "user", content: "Hello, world"}]
});
