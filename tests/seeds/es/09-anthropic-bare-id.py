from anthropic import AnthropicBedrock

client = AnthropicBedrock(aws_region="us-west-2")

# Usando el punto final regional de EE.UU. (CRIS)
message = client.messages.create(
    model="anthropic.claude-sonnet-4-5-20250929-v1:0",  # Sin prefijo global.
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello, world"}]
)
