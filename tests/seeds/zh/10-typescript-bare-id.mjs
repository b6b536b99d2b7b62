import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';

const client = new AnthropicBedrock({
  awsRegion: 'us-west-2',
});

// 使用美国区域端点 (CRIS)
const message = await client.messages.create({
  model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',  // 无 global. 前缀
  max_tokens: 256,
  messages: [{role: "user", content: "Hello, world"}]
});
