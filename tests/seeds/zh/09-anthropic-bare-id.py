from anthropic import AnthropicBedrock

client = AnthropicBedrock(aws_region="us-west-2")

# 使用美国区域端点 (CRIS)
message = client.messages.create(
    model="anthropic.claude-sonnet-4-5-20250929-v1:0",  # 无 global. 前缀
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello, world"}]
)
